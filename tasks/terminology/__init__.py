"""Terminology translation: does a system use the terms that it was given?"""
